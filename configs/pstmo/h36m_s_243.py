# P-STMO-S's stage II, 243 frames, every second one, Human3.6M with CPN detections: 43.0 mm (paper, table 1).
# Variants: rows of tables.yml.
_base_ = './h36m_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_s_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_s_243.py'

model = {{_base_.sizes.pstmo_s}}
optim_wrapper = dict(optimizer=dict(lr=7e-4))


def after(name):
    return dict(
        load_from=f'work_dirs/pstmo/pretrain_h36m_s_243_{name}/epoch_80.pth',
        pretrained_by=f'configs/pstmo/pretrain_h36m_s_243.py --variant {name}',
    )


def without_neck(**backbone):
    # tables 3 and 4 do not say how one frame comes out; here all frames are learnt, and the middle one is tested
    pose = dict(type='PoseHead', num_joints=17, norm='batch')
    window = dict(dilation=1, outputs=1)
    model = dict(backbone=backbone, neck=None, heads=dict(_delete_=True, pose=pose), test_cfg=dict(window=window))
    return dict(**scratch, **dense, model=model)


scratch = dict(load_from=None, pretrained_by=None)
dense = dict(train_dataloader=dict(dataset=dict(window=dict(dilation=1))))
dense_test = dict(model=dict(test_cfg=dict(window=dict(dilation=1))))
# A.7 names no camera: these are the files' first three and the last; it is tested with all, as everywhere
last_camera = dict(train_dataloader=dict(dataset=dict(filter_cfg=dict(include=dict(camera=['60457274'])))))
# people in the wild: keypoints of COCO in, joints of Human3.6M out
coco = dict(keypoint_file='data_2d_h36m_detectron_pt_coco.npz')
variants = dict(
    _delete_=True,
    scratch=scratch,
    table3_sem=without_neck(depth=0),
    table3_stmo=dict(**scratch, **dense, **dense_test),
    table4_fc=without_neck(spatial='linear'),
    table4_mlp1=without_neck(),
    table4_mlp2=without_neck(spatial_depth=2),
    table4_mlp3=without_neck(spatial_depth=3),
    table5_243_1=dict(**after('table5_243_1'), **dense, **dense_test),
    cameras_pretrained=dict(**after('cameras'), **last_camera),
    cameras_scratch=dict(**scratch, **last_camera),
    wild=dict(
        **after('wild'),
        codec=dict(skeleton='coco17'),
        **{f'{part}_dataloader': dict(dataset=coco) for part in ('train', 'val', 'test')},
    ),
)
