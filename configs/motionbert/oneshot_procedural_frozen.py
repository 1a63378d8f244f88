# As oneshot_procedural.py, the backbone stays as it was pretrained.
_base_ = './oneshot_procedural.py'

frozen_modules = ['backbone']
