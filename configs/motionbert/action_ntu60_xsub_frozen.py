# As action_ntu60_xsub.py, the backbone stays as it was pretrained.
_base_ = './action_ntu60_xsub.py'

frozen_modules = ['backbone']
