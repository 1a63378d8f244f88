# As h36m_243.py, the backbone stays as it was pretrained: 40.3 mm (paper, table 4); with random weights 404.4 mm.
_base_ = './h36m_243.py'

frozen_modules = ['backbone']
