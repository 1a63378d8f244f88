# NTU RGB+D 60, cross-subject: 2D poses of HRNet, in the form of PYSKL, clips resampled to 243 frames (MotionBERT).
# The data: `data/ntu/ntu60_hrnet.pkl` (docs/datasets/ntu.md).
_base_ = './loaders.py'

codec = dict(type='KeypointClips', skeleton='h36m17')
data_root = '{{$POSELIFTER_DATA:data}}/ntu'

train_pipeline = [
    dict(type='ResampleClip', length=243, mode='random'),
    dict(type='Encode', codec=codec),
    dict(type='RandomMove', released=True),
    dict(type='CropScale', ratio=(1, 3), released=True),
    dict(type='PackPose', keys=['action', 'present']),
]
test_pipeline = [
    dict(type='ResampleClip', length=243),
    dict(type='Encode', codec=codec),
    dict(type='CropScale', ratio=(2, 2), released=True),
    dict(type='PackPose', keys=['action', 'present']),
]

source = dict(type='NTUActionDataset', data_root=data_root, ann_file='ntu60_hrnet.pkl')
train_dataloader = dict(
    batch_size=32, num_workers=4, dataset=dict(**source, split='xsub_train', pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=32, num_workers=2, dataset=dict(**source, split='xsub_val', test_mode=True, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ActionMetric')
test_evaluator = val_evaluator
