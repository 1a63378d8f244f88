# As action_ntu120_xset.py, from scratch.
_base_ = './action_ntu120_xset.py'

load_from = pretrained_by = None
