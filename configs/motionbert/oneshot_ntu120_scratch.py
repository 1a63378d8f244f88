# As oneshot_ntu120.py, from scratch: 61.0 % (paper).
_base_ = './oneshot_ntu120.py'

load_from = pretrained_by = None
