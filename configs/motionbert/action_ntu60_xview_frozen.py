# As action_ntu60_xview.py, the backbone stays as it was pretrained.
_base_ = './action_ntu60_xview.py'

frozen_modules = ['backbone']
