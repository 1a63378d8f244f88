# As action_procedural.py, the backbone stays as it was pretrained.
_base_ = './action_procedural.py'

frozen_modules = ['backbone']
