# NTU RGB+D 120, cross-subject.
_base_ = ['./ntu60_xsub.py']

train_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xsub_train'))
val_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xsub_val'))
test_dataloader = val_dataloader
