# As multitask_procedural.py, the backbone stays as it was pretrained.
_base_ = './multitask_procedural.py'

frozen_modules = ['backbone']
