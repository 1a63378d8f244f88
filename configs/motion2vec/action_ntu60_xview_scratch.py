# As action_ntu60_xview.py, from scratch: 91.9 % (paper). As released it has 14 layers: model.backbone.depth=14.
_base_ = './action_ntu60_xview.py'

load_from = pretrained_by = None
