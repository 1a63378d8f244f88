# As cmu_27.py, with labels for two subjects only: a dancer, and one who walks and runs.
_base_ = './cmu_27.py'

train_dataloader = dict(dataset=dict(filter_cfg=dict(include=dict(subject=['05', '35']))))
