# As multitask_cmu.py, the backbone stays as it was pretrained.
_base_ = './multitask_cmu.py'

frozen_modules = ['backbone']
