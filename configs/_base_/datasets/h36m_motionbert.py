# Human3.6M as MotionBERT preprocessed it: stacked hourglass keypoints with confidence, labels in the 2.5D image space.
# The data: `data/motion3d` (docs/datasets/h36m_motionbert.md). With 27 or 81 frames, change window and min_frames.
_base_ = './loaders.py'

codec = dict(type='ImageSpaceLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=50)
data_root = '{{$POSELIFTER_DATA:data}}/motion3d'

train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'factor', 'lifting_target', 'lifting_target_visible']),
]

source = dict(type='Human36mMotionBERTDataset', data_root=data_root, min_frames=243)
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    dataset=dict(**source, split='train', window=dict(length=243, stride=81, tail='drop'), pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8, num_workers=2, dataset=dict(**source, split='test', test_mode=True, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
