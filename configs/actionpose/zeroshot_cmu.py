# Zero-shot recognition of the six classes of cmu_actions.py, by captions in the words of CMU's descriptions; for
# tools/test.py, with what pretrain_cmu_27.py leaves. No classifier is trained and the subjects are others, but clips of
# these classes with such descriptions are in the training data. Chance is 16.7 %.
_base_ = './pretrain_cmu_27.py'

captions = dict(
    walk=['walk', 'slow walk', 'brisk walk'],
    run=['run/jog', 'run', 'jog'],
    climb=['climb', 'climb ladder', 'playground - climb'],
    acrobatics=['acrobatics', 'cartwheel', 'backflip'],
    drink=['drink soda', 'drink'],
    laugh=['laugh', 'laughing'],
)
model = dict(class_texts=list(captions.values()))
test_dataloader = dict(
    batch_size=64,
    dataset=dict(
        classes=list(captions),
        views=1,
        test_mode=False,
        window=dict(length=27, stride=27, tail='shift'),
        pipeline=[
            dict(type='VirtualCamera'),
            dict(type='DetectedJoints', prob=1),
            dict(type='KeypointNoise'),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='PackPose', keys=['action']),
        ],
    ),
)
test_evaluator = dict(_delete_=True, type='ActionMetric', top_k=[1], merge=True, interval='subject')
