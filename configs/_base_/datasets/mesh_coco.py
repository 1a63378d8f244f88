# COCO with bodies of SMPL, MotionBERT's file: single pictures, for training. The data: docs/datasets/mesh.md.
_base_ = './mesh_h36m.py'

source = dict(ann_file='mesh_det_coco.pkl', source='coco', min_frames=0)
train_dataloader = dict(batch_size=512, dataset=dict(**source, window=dict(length=1, stride=1)))
val_dataloader = dict(dataset=source)
test_dataloader = val_dataloader
