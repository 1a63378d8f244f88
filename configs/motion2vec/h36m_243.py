# Motion2vec, base, on Human3.6M, 243 frames, from the pretrained weights: 38.4 mm MPJPE, 32.1 mm P-MPJPE (paper); from
# scratch 38.6 mm and 32.6 mm (paper, table VIII). Variants: rows of tables.yml.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionagformer_b.py',
    '../_base_/protocols/motionagformer.py',
]

load_from = 'work_dirs/motion2vec/pretrain_h36m_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_243.py'

# networks of tables VI and VIII, each pretrained as the variant of its name; "summed" is the mean, as released
networks = dict(
    paper=dict(edges='h36m17', self_loops=True, temporal_graph='past'),  # the graphs as the paper words them
    table6_n6=dict(depth=6),
    table6_n8=dict(depth=8),
    table6_n12=dict(depth=12),
    table6_n20=dict(depth=20),
    table8_temporal_position=dict(positions='frames'),
    table8_both_positions=dict(positions='both'),
    table8_no_position=dict(positions='none'),
    table8_sum=dict(fusion=dict(type='AverageFusion')),
    table8_transformer=dict(streams=('attention',)),
    table8_gcn=dict(streams=('graph',)),
)
# table VII: weights of the scaled loss and of velocity; it prints (0, 20) twice, the second taken as (0.5, 30)
weights = [(0, 0), (0.5, 0), (1, 0), (2, 0), (0, 1), (0, 5), (0, 10), (0, 20), (0, 30)]
weights += [(0.5, 1), (0.5, 10), (0.5, 30), (1, 20), (2, 20)]
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    table1_gt=dict(codec=dict(gt_2d=True)),  # true 2D: 20.6 mm (paper), pretrained on detected 2D
    **{
        name: dict(
            model=dict(backbone=network),
            load_from=f'work_dirs/motion2vec/pretrain_h36m_243_{name}/epoch_60.pth',
            pretrained_by=f'configs/motion2vec/pretrain_h36m_243.py --variant {name}',
        )
        for name, network in networks.items()
    },
    **{
        f'table7_{str(scaled).replace(".", "")}_{velocity}': dict(
            model=dict(
                heads=dict(pose=dict(losses={'1': dict(loss_weight=scaled), '2': dict(loss_weight=velocity)})),
            ),
        )
        for scaled, velocity in weights
    },
)

model = dict(**_base_.sizes.motion2vec, codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(checkpoint=dict(save_best='motionagformer/MPJPE'))
