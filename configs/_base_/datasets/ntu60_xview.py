# NTU RGB+D 60, cross-view: cameras 2 and 3 train, camera 1 tests.
_base_ = ['./ntu60_xsub.py']

train_dataloader = dict(dataset=dict(ann_file='ntu60_hrnet.pkl', split='xview_train'))
val_dataloader = dict(dataset=dict(ann_file='ntu60_hrnet.pkl', split='xview_val'))
test_dataloader = val_dataloader
