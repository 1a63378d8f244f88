# As h36m_s_243.py, with true 2D joints: 29.3 mm (paper, table 1), from scratch 30.3 mm (paper, table 8).
_base_ = './h36m_s_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_gt_s_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_gt_s_243.py'

keypoint_file = 'data_2d_h36m_gt.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
optim_wrapper = dict(optimizer=dict(lr=1e-3))


def corrupted(*steps):
    labels = dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action'])
    return dict(test_dataloader=dict(dataset=dict(pipeline=[encode, *steps, labels])))


encode = dict(type='Encode', codec={{_base_.codec}})
sigmas = {'001': 0.01, '003': 0.03, '005': 0.05}
variants = dict(
    _delete_=True,
    scratch=dict(load_from=None, pretrained_by=None),
    table1_gt_full=dict(
        load_from='work_dirs/pstmo/pretrain_h36m_gt_s_243_table1_gt_full/epoch_80.pth',
        pretrained_by='configs/pstmo/pretrain_h36m_gt_s_243.py --variant table1_gt_full',
        model=dict(backbone=dict(depth=4)),
    ),
    # tests of what was trained on clean input
    **{f'table8_noise_{name}': corrupted(dict(type='GaussianNoise', sigma=sigma)) for name, sigma in sigmas.items()},
    table8_shuffled=dict(model=dict(test_cfg=dict(shuffle_frames=True))),
)
