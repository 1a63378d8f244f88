# P-STMO's stage II, 243 frames, every second one, Human3.6M with CPN detections: 42.8 mm (paper, table 1). Variants:
# rows of tables.yml.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m.py',
    '../_base_/models/pstmo.py',
    '../_base_/protocols/pstmo.py',
]

load_from = 'work_dirs/pstmo/pretrain_h36m_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_243.py'

total_batch_size = 160  # of all processes
model = dict(
    codec={{_base_.codec}},
    test_cfg=dict(batch_size=32, window=dict(stride=1, dilation=2), zero_root=True, flip_test=True),
)
train_dataloader = dict(
    batch_size=160, dataset=dict(window=dict(length=243, stride=1, outputs=1, dilation=2), mirrored_copies=True)
)
default_hooks = dict(checkpoint=dict(save_best='pstmo/MPJPE'))


def after(name):
    return dict(
        load_from=f'work_dirs/pstmo/pretrain_h36m_243_{name}/epoch_80.pth',
        pretrained_by=f'configs/pstmo/pretrain_h36m_243.py --variant {name}',
    )


# the refined pose alone is learnt, as released; its recipe is described nowhere
labels = dict(type='PackPose', keys=['target', 'target_weight', 'lifting_target'])
backbones = {f'table7_l{depth}': dict(depth=depth) for depth in (2, 3, 5)}
backbones.update({f'table7_d{width}': dict(embed_dims=width) for width in (64, 128, 512)})
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    table1_243_refined=dict(
        load_from='work_dirs/pstmo/h36m_243/epoch_80.pth',
        pretrained_by='configs/pstmo/h36m_243.py',
        model=dict(heads=dict(pose=dict(losses=[]), sequence=dict(losses=[]), refined=dict(type='PoseRefiner'))),
        train_dataloader=dict(
            dataset=dict(pipeline=[dict(type='Encode', codec={{_base_.codec}}), dict(type='FlipPose'), labels])
        ),
        find_unused_parameters=True,
    ),
    **{name: dict(**after(name), model=dict(backbone=backbone)) for name, backbone in backbones.items()},
)
