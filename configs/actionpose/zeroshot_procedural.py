# Zero-shot recognition of nine motions that pretrain_procedural.py was taught neither by a clip nor by a caption, of
# other bodies in other views: chance is 11.1 %. For tools/test.py, with what that config leaves. The variant `seen` is
# for the sixteen motions that it was taught: other bodies and views, and captions in other words; chance is 6.25 %.
_base_ = './pretrain_procedural.py'

actions = list(_base_.unseen)
model = dict(class_texts=list(_base_.unseen.values()))
test_dataloader = dict(
    batch_size=64,
    dataset=dict(
        motions=actions,
        classes=actions,
        wordings=_base_.unseen,
        n_sequences=270,
        seed=2_000_000,  # other cameras than in training
        test_mode=False,
        window=dict(length=18, stride=9),
        pipeline=[*_base_.film, _base_.encode, dict(type='PackPose', keys=['action'])],
    ),
)
test_evaluator = dict(_delete_=True, type='ActionMetric', merge=True, interval='subject')

seen = list(_base_.new_wordings)
variants = dict(
    seen=dict(
        actions=seen,
        model=dict(class_texts=list(_base_.new_wordings.values())),
        test_dataloader=dict(dataset=dict(motions=seen, classes=seen, n_sequences=480)),
    )
)
