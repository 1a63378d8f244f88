# MotionBERT's meshes on Human3.6M, from the pretrained weights, with COCO in training: 65.5 mm MPVE (paper). SMPL's
# files and the data: docs/datasets/mesh.md. Of the authors: load_from=MB_release/latest_epoch.bin.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mesh_h36m.py',
    '../_base_/models/motionbert.py',
    '../_base_/schedules/motionbert_mesh.py',
]

load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
# 75.7 mm MPVE (paper)
scratch = dict(
    load_from=None,
    pretrained_by=None,
    train_cfg=dict(max_epochs=100),
    optim_wrapper=dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True)),
)
tcn = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.tcn)))
poseformer = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.poseformer)))
variants = dict(
    scratch=scratch,
    paper=dict(model=dict(heads=dict(mesh=dict(hidden_dims=512)))),
    frozen=dict(frozen_modules=['backbone']),
    table4_random=dict(load_from=None, pretrained_by=None, frozen_modules=['backbone']),
    table6_tcn_scratch=dict(**scratch, **tcn),
    table6_poseformer_scratch=dict(**scratch, **poseformer),
    table6_tcn_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_tcn_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_tcn_amass_h36m_243.py',
        **tcn,
    ),
    table6_poseformer_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_poseformer_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_poseformer_amass_h36m_243.py',
        **poseformer,
    ),
)

default_hooks = dict(checkpoint=dict(save_best='motionbert/MPJPE'))  # as released
data_root = '{{$POSELIFTER_DATA:data}}/mesh'
model = dict(
    codec={{_base_.codec}},
    heads=dict(
        _delete_=True,
        mesh=dict(
            type='MeshHead',
            hidden_dims=1024,
            dropout=0.1,
            body_model=data_root,
            mean_params=data_root + '/smpl_mean_params.npz',
        ),
    ),
    test_cfg=dict(window=dict(length=16), merge=False, batch_size=8),
)

pipeline = {{_base_.train_pipeline}}
h36m = dict(
    type='MeshDataset',
    data_root=data_root,
    ann_file='mesh_det_h36m.pkl',
    source='h36m',
    min_frames=16,
    window=dict(length=16, stride=8, tail='drop'),
    pipeline=pipeline,
)
coco = dict(
    type='MeshDataset',
    data_root=data_root,
    ann_file='mesh_det_coco.pkl',
    source='coco',
    window=dict(length=1),
    pipeline=pipeline,
)
train_dataloader = dict(
    batch_sampler=dict(type='SourceBatchSampler', batch_size=[128, 512], order='sequence'),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[h36m, coco]),
)
