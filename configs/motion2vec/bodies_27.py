# Motion2vec's network, small, 27 frames, on bodies of all builds, from what the variant `pretrain` leaves: its row of
# projects/reproduce/README.md, where both have the steps of ten minutes of one core together. `motionagformer`
# is that system's row.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/motion2vec_small.py',
    '../_base_/schedules/small.py',
]

work_dir = 'work_dirs/motion2vec/bodies_27'
load_from = 'work_dirs/motion2vec/bodies_27_pretrain/epoch_6.pth'
pretrained_by = 'configs/motion2vec/bodies_27.py --variant pretrain'
# velocity by 2, not 20: small networks stay at the mean pose with that (docs/user_guides/pretraining.md)
losses = [dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=2.0)]
model = dict(
    backbone=dict(embed_dims=40, depth=2, num_heads=4), heads=dict(pose=dict(losses=losses)), codec={{_base_.codec}}
)
train_dataloader = dict(batch_size=8, dataset=dict(window=dict(stride=46)))
# nothing is chosen on the validation subjects: the last weights count
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=2e-3))

*filmed, flip, pack = _base_.train_pipeline
hidden = [dict(type='FrameRemoval', rate=0.7, copies=3), dict(type='PackPose', keys=['masks'])]
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    motionagformer=dict(
        load_from=None, pretrained_by=None, train_dataloader=dict(dataset=dict(window=dict(stride=26)))
    ),
    pretrain=dict(
        model=dict(
            _delete_=True,
            type='ContextPretrainer',
            backbone={**_base_.model.backbone, **model['backbone']},
            top_layers=1,
            decay=(0.99, 0.999),
            codec={{_base_.codec}},
        ),
        load_from=None,
        pretrained_by=None,
        # a clip is seen three times, and by the teacher: half the clips in a step, and fewer epochs
        train_dataloader=dict(batch_size=4, dataset=dict(window=dict(stride=80), pipeline=[*filmed, flip, *hidden])),
        train_cfg=dict(max_epochs=6),
        param_scheduler={'1': dict(T_max=6)},
    ),
)
