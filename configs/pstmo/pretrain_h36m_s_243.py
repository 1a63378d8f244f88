# P-STMO-S's stage I: 80 % of the frames removed and 2 joints of each replaced.
_base_ = './pretrain_h36m_243.py'

work_dir = 'work_dirs/pstmo/pretrain_h36m_s_243'
model = dict(backbone=dict(depth=3), head=dict(depth=2))


def masked(rate, count):
    masks = [dict(type='FrameRemoval', rate=rate)] if rate else []
    masks += [dict(type='JointReplacement', count=count)] if count else []
    encode = dict(type='Encode', codec={{_base_.codec}})
    pipeline = [encode, dict(type='FlipPose'), *masks, dict(type='PackPose', keys=['mask'])]
    return dict(train_dataloader=dict(dataset=dict(pipeline=pipeline)))


train_dataloader = masked(0.8, 2)['train_dataloader']
# figure 5: percent of the frames, joints of a frame; its best points and some beside them
points = {f'figure5_frames_{percent}': (percent / 100, 0) for percent in (10, 30, 50, 60, 70, 80, 90)}
points.update({f'figure5_joints_{count}': (0, count) for count in (1, 2, 3, 5, 7, 9, 11)})
points.update(
    {f'figure5_both_{p}_{count}': (p / 100, count) for p, count in ((60, 2), (70, 2), (80, 1), (80, 3), (90, 2))}
)
first_cameras = dict(camera=['54138969', '55011271', '58860488'])
variants = dict(
    _delete_=True,
    **{name: masked(*point) for name, point in points.items()},
    visible_frames=dict(model=dict(visible_only=True)),  # in the paper SEM too sees the frames that are left only
    table5_243_1=dict(train_dataloader=dict(dataset=dict(window=dict(dilation=1)))),
    cameras=dict(train_dataloader=dict(dataset=dict(filter_cfg=dict(include=first_cameras)))),
    wild=dict(
        codec=dict(skeleton='coco17'),
        train_dataloader=dict(dataset=dict(keypoint_file='data_2d_h36m_detectron_pt_coco.npz')),
    ),
)
