# MotionBERT's meshes on 3DPW, from the pretrained weights, with Human3.6M and COCO in training: 88.1 mm MPVE (paper).
# As there, Human3.6M takes part in the first 20 epochs.
_base_ = './mesh_h36m.py'

variants = dict(_delete_=True, scratch=dict(_base_.scratch, train_cfg=dict(max_epochs=60)))  # 99.1 mm MPVE (paper)
data_root = '{{$POSELIFTER_DATA:data}}/mesh'
codec = dict(fps=30)
model = dict(codec=codec)
pw3d = dict(
    type='MeshDataset',
    data_root=data_root,
    ann_file='mesh_det_pw3d.pkl',
    source='pw3d',
    min_frames=16,
    window=dict(length=16, stride=8, tail='drop'),
    pipeline={{_base_.train_pipeline}},
)
train_dataloader = dict(
    batch_sampler=dict(batch_size=[128, 512, 128], last_epochs=[19, None, None]),
    dataset=dict(datasets=[{{_base_.h36m}}, {{_base_.coco}}, pw3d]),
)
val_dataloader = dict(dataset=dict(ann_file='mesh_det_pw3d.pkl', source='pw3d'))
test_dataloader = val_dataloader
