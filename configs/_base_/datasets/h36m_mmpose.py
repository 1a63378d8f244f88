# Human3.6M as MMPose keeps it, true 2D joints, or detections by keypoint_file (docs/datasets/h36m.md).
_base_ = './h36m.py'

data_root = '{{$POSELIFTER_DATA:data}}/h36m/annotation_body3d/fps50'
source = dict(_delete_=True, type='Human36mMMPoseDataset', data_root=data_root)
train_dataloader = dict(dataset=dict(**source, ann_file='h36m_train.npz', pipeline={{_base_.train_pipeline}}))
val_dataloader = dict(
    dataset=dict(**source, ann_file='h36m_test.npz', test_mode=True, pipeline={{_base_.test_pipeline}})
)
test_dataloader = val_dataloader
