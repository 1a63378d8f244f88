# As zeroshot_procedural.py, for the sixteen motions that pretrain_procedural.py was taught: other bodies and views, and
# captions in other words. Chance is 6.25 %.
_base_ = './zeroshot_procedural.py'

actions = list(_base_.new_wordings)
model = dict(class_texts=list(_base_.new_wordings.values()))
test_dataloader = dict(dataset=dict(motions=actions, classes=actions, n_sequences=480))
