# NTU RGB+D 120, cross-setup: even setups train, odd ones test.
_base_ = ['./ntu60_xsub.py']

train_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xset_train'))
val_dataloader = dict(dataset=dict(ann_file='ntu120_hrnet.pkl', split='xset_val'))
test_dataloader = val_dataloader
