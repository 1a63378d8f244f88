# As oneshot_ntu120.py, the backbone stays as it was pretrained.
_base_ = './oneshot_ntu120.py'

frozen_modules = ['backbone']
