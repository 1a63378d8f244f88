# As action_cmu.py, the backbone stays as it was pretrained.
_base_ = './action_cmu.py'

frozen_modules = ['backbone']
