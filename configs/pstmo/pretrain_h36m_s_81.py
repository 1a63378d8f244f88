# P-STMO-S's stage I, 81 frames, every third one; its masks are not published, these are those of 243 frames.
_base_ = './pretrain_h36m_s_243.py'

work_dir = 'work_dirs/pstmo/pretrain_h36m_s_81'
model = dict(backbone=dict(num_frames=81))
train_dataloader = dict(dataset=dict(window=dict(length=81, dilation=3)))

variants = dict(
    _delete_=True,
    **{
        f'table5_{frames}_{apart}': dict(
            model=dict(backbone=dict(num_frames=frames)),
            train_dataloader=dict(dataset=dict(window=dict(length=frames, dilation=apart))),
        )
        for frames, apart in ((27, 1), (27, 3), (27, 9), (81, 1))
    },
)
