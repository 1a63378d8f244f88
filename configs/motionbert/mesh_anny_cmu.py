# Meshes of the free body from 2D keypoints: DSTformer, small, on bodies of all builds that move as those fitted to CMU
# motion capture; no licensed file is needed. It starts from what pretrain_cmu_27.py leaves; variant `pretrained`: from
# a model of the zoo; `scratch`: the same network from nothing.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_meshes.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

load_from = 'work_dirs/motionbert/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/motionbert/pretrain_cmu_27.py'
variants = dict(
    pretrained=dict(  # the model of the zoo: its size, half the epochs
        load_from='zoo/motionbert_bodies_27-c3f32463_20261129.safetensors',
        pretrained_by=None,
        model=dict(backbone=dict(embed_dims=40, depth=2, num_heads=4)),
        train_cfg=dict(max_epochs=9, val_interval=3),
        param_scheduler={'1': dict(T_max=9)},
    ),
)
variants['scratch'] = variants['pretrained'] | dict(load_from=None)

model = dict(
    codec={{_base_.codec}},
    heads=dict(
        _delete_=True,
        mesh=dict(
            type='AnyBodyHead',
            body_model='anny',
            hidden_dims=512,
            losses=[
                dict(type='MPJPELoss'),
                dict(type='VelocityLoss', loss_weight=2.0),
                dict(type='BoneRotationLoss', loss_weight=0.3),
                dict(type='BodyShapeLoss', loss_weight=0.02),
            ],
        ),
    ),
    test_cfg=dict(window=dict(length=27, stride=9)),
)
default_hooks = dict(checkpoint=dict(save_best='MPVE'))
