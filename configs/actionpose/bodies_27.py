# ActionPose's encoder, small, 27 frames, on bodies of all builds, from what the variant `pretrain` leaves: its row of
# projects/reproduce/README.md, where both have the steps of ten minutes of one core together.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

work_dir = 'work_dirs/actionpose/bodies_27'
load_from = 'work_dirs/actionpose/bodies_27_pretrain/epoch_9.pth'
pretrained_by = 'configs/actionpose/bodies_27.py --variant pretrain'
# velocity by 2, not 20: small networks stay at the mean pose with that (docs/user_guides/pretraining.md)
losses = [dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=2.0)]
model = dict(
    backbone=dict(type='ActionPose', embed_dims=40, depth=2, num_heads=4, align_layer=1),
    heads=dict(pose=dict(losses=losses)),
    codec={{_base_.codec}},
)
train_dataloader = dict(batch_size=8, dataset=dict(window=dict(stride=53)))
# nothing is chosen on the validation subjects: the last weights count
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=2e-3))

*filmed, flip, pack = _base_.train_pipeline
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    pretrain=dict(
        model=dict(
            type='TextMotionPretrainer',
            text_encoder=dict(type='HashedTextEncoder', embed_dims=256),
            text_head=dict(
                type='TextMotionHead',
                embed_dims=64,
                pose_pool=dict(type='ClassTokenPool', hidden_dims=128),
                text_pool=dict(type='TextPool', hidden_dims=128),
            ),
        ),
        load_from=None,
        pretrained_by=None,
        train_dataloader=dict(dataset=dict(pipeline=[*filmed, flip, dict(type='MaskMixture'), pack])),
        train_cfg=dict(max_epochs=9),
        param_scheduler={'1': dict(T_max=9)},
        optim_wrapper=dict(paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1)))),
    ),
)
