# As action_ntu60_xsub.py, NTU RGB+D 120, cross-setup; no paper has a figure.
_base_ = './action_ntu60_xsub.py'

variants = dict(_delete_=True, scratch=_base_.variants.scratch)
model = dict(heads=dict(action=dict(num_classes=120)))
train_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xset_train'))
val_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xset_val'))
test_dataloader = val_dataloader
