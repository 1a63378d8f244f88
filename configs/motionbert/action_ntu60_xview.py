# As action_ntu60_xsub.py, cross-view: 97.2 %, from scratch 94.1 % (paper).
_base_ = './action_ntu60_xsub.py'

train_dataloader = dict(dataset=dict(split='xview_train'))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = val_dataloader
