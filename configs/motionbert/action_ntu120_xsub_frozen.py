# As action_ntu120_xsub.py, the backbone stays as it was pretrained.
_base_ = './action_ntu120_xsub.py'

frozen_modules = ['backbone']
