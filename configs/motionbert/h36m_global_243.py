# As h36m_243.py, the person's place in the picture is predicted too (the released "global" model, for the wild).
_base_ = './h36m_243.py'

variants = dict(_delete_=True, scratch=_base_.variants.scratch, frozen=_base_.variants.frozen)

codec = dict(root_relative=False)
encode = dict(type='Encode', codec=dict(type='ImageSpaceLifting', root_relative=False))
model = dict(codec=codec)
train_dataloader = dict(dataset=dict(pipeline=[encode, *_base_.train_pipeline[1:]]))
val_dataloader = dict(dataset=dict(pipeline=[encode, *_base_.test_pipeline[1:]]))
test_dataloader = val_dataloader
