# As oneshot_cmu.py, the backbone stays as it was pretrained.
_base_ = './oneshot_cmu.py'

frozen_modules = ['backbone']
