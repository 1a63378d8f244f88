# P-STMO-S's stage II, 81 frames, every third one, Human3.6M with CPN detections: 44.1 mm (paper, table 1).
# Variants: rows of tables.yml.
_base_ = './h36m_s_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_s_81/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_s_81.py'

model = dict(**_base_.sizes.pstmo_s_81, test_cfg=dict(window=dict(dilation=3)))
train_dataloader = dict(dataset=dict(window=dict(length=81, dilation=3)))


def sampled(frames, apart):
    name = f'table5_{frames}_{apart}'
    return dict(
        load_from=f'work_dirs/pstmo/pretrain_h36m_s_81_{name}/epoch_80.pth',
        pretrained_by=f'configs/pstmo/pretrain_h36m_s_81.py --variant {name}',
        model=dict(backbone=dict(num_frames=frames), test_cfg=dict(window=dict(dilation=apart))),
        train_dataloader=dict(dataset=dict(window=dict(length=frames, dilation=apart))),
    )


joints = dict(spatial='transformer', spatial_depth=3, embed_dims=544, feedforward_dims=1088)
pose = dict(type='PoseHead', num_joints=17, norm='batch')
variants = dict(
    _delete_=True,
    scratch=dict(load_from=None, pretrained_by=None),
    **{f'table5_{frames}_{apart}': sampled(frames, apart) for frames, apart in ((27, 1), (27, 3), (27, 9), (81, 1))},
    table4_transformer=dict(
        load_from=None,
        pretrained_by=None,
        model=dict(
            backbone=joints,
            neck=None,
            heads=dict(_delete_=True, pose=pose),
            test_cfg=dict(window=dict(dilation=1, outputs=1)),
        ),
        train_dataloader=dict(dataset=dict(window=dict(dilation=1))),
    ),
)
