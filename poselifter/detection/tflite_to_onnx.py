"""Converts the convolutional networks of BlazePose from TFLite to ONNX; weights stay float16 in the file.

Only what those files hold is known; anything else is refused. A tensor of four axes is (B, H, W, C) in TFLite and
(B, C, H, W) in ONNX: it is turned at the input and before a reshape, nowhere else.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..utils import atomic_write

_FLOAT = 1  # TensorProto.FLOAT
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
#: Operations by TFLite's name: the class of their options in the package tflite.
_OPTIONS = {
    'CONV_2D': 'Conv2DOptions',
    'DEPTHWISE_CONV_2D': 'DepthwiseConv2DOptions',
    'MAX_POOL_2D': 'Pool2DOptions',
    'ADD': 'AddOptions',
    'RESIZE_BILINEAR': 'ResizeBilinearOptions',
    'DEPTH_TO_SPACE': 'DepthToSpaceOptions',
    'CONCATENATION': 'ConcatenationOptions',
    'PAD': None,
    'RESHAPE': None,
    'LOGISTIC': None,
}


def convert_tflite(data: bytes, path: str | os.PathLike[str], outputs: Mapping[int, str]) -> None:
    """Converts a network.

    Args:
        data: the TFLite file.
        path: ONNX file to write; its input ``image`` is (B, H, W, 3) float32.
        outputs: names of the outputs to keep, by their number of values; what serves only others is left out.

    Raises:
        InputError: onnx or tflite is not installed, the network is damaged or holds what is not known, or ``path``
            cannot be written.
    """
    try:
        import onnx
        import tflite
    except ImportError as error:
        raise InputError(f'converting networks needs {error.name}; run: pip install onnx tflite') from error
    with reading('the network cannot be converted', 'expected a whole TFLite file', (Exception,)):  # fails in any way
        model = _Conversion(onnx, tflite, data).model(outputs)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


class _Conversion:
    """Nodes and weights of the ONNX graph so far, and the network that is read."""

    def __init__(self, onnx: Any, tflite: Any, data: bytes) -> None:
        self.onnx, self.tflite = onnx, tflite
        self.file = tflite.Model.GetRootAs(data, 0)
        self.graph = self.file.Subgraphs(0)
        self.kinds = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
        self.constants: dict[int, np.ndarray] = {}
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def model(self, outputs: Mapping[int, str]) -> Any:
        """The ONNX model with those outputs."""
        helper = self.onnx.helper
        given = self.graph.Inputs(0)
        sizes = {index: int(np.prod(self.shape(index))) for index in self.graph.OutputsAsNumpy().tolist()}
        kept = {index: outputs[size] for index, size in sizes.items() if size in outputs}
        operators = [self.graph.Operators(number) for number in range(self.graph.OperatorsLength())]
        needed = set(kept)
        for operator in reversed(operators):
            if operator.Outputs(0) in needed:
                needed.update(operator.InputsAsNumpy().tolist())
        self.add('Transpose', ['image'], given, perm=_TO_CHANNELS_FIRST)
        for operator in operators:
            if operator.Outputs(0) in needed:
                self.convert(operator)
        for index, name in kept.items():
            self.add('Identity', [index], name)
        arrays = [helper.make_tensor_value_info(n, _FLOAT, ['batch', *self.shape(i)[1:]]) for i, n in kept.items()]
        image = helper.make_tensor_value_info('image', _FLOAT, ['batch', *self.shape(given)[1:]])
        graph = helper.make_graph(self.nodes, 'blazepose', [image], arrays, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)

    def shape(self, index: int) -> list[int]:
        """Shape of a tensor in TFLite's order."""
        return self.graph.Tensors(index).ShapeAsNumpy().tolist()

    def constant(self, index: int) -> np.ndarray:
        """Values of a tensor that is stored in the file, in TFLite's order."""
        if index not in self.constants:
            tensor, types = self.graph.Tensors(index), self.tflite.TensorType
            kind = {types.FLOAT32: '<f4', types.FLOAT16: '<f2', types.INT32: '<i4'}[tensor.Type()]
            values = self.file.Buffers(tensor.Buffer()).DataAsNumpy().view(kind)
            shape = self.shape(index)
            self.constants[index] = (
                values.reshape(shape) if tensor.Sparsity() is None else _dense(tensor, values, shape)
            )
        return self.constants[index]

    def add(self, kind: str, inputs: list[int | str], output: int | str, **attributes: Any) -> None:
        """Adds a node."""
        self.nodes.append(self.onnx.helper.make_node(kind, [str(i) for i in inputs], [str(output)], **attributes))

    def weight(self, name: str, values: np.ndarray) -> str:
        """Adds a weight under a name; float16 is made float32 when the file is opened."""
        half = values.dtype == np.float16
        stored = f'{name}_half' if half else name
        self.weights.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), stored))
        if half:
            self.add('Cast', [stored], name, to=_FLOAT)
        return name

    def convert(self, operator: Any) -> None:
        """Adds the nodes of an operation, and of the activation (ReLU6 or none) behind it."""
        code = self.file.OperatorCodes(operator.OpcodeIndex())
        kind = self.kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs, output = operator.InputsAsNumpy().tolist(), operator.Outputs(0)
        if kind in ('DENSIFY', 'DEQUANTIZE'):  # both of weights
            self.constants[output] = self.constant(inputs[0])
            return
        if kind not in _OPTIONS:
            raise InputError(f'the network holds {kind}, expected only {", ".join(_OPTIONS)}; give a file of BlazePose')
        options, activated = None, False
        if _OPTIONS[kind]:
            options, table = getattr(self.tflite, _OPTIONS[kind])(), operator.BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
            if kind not in ('RESIZE_BILINEAR', 'DEPTH_TO_SPACE'):
                activated = options.FusedActivationFunction() == self.tflite.ActivationFunctionType.RELU6
        result = f'{output}_linear' if activated else output
        self.node(kind, inputs, result, options, self.shape(output))
        if activated:
            limits = [self.weight(f'{output}_{v}', np.float32(v)) for v in (0, 6)]
            self.add('Clip', [result, *limits], output)

    def node(self, kind: str, inputs: list[int], result: int | str, options: Any, shape: list[int]) -> None:
        """Adds an operation without its activation, whose result has a shape in TFLite's order."""
        first, axes = inputs[0], len(self.shape(inputs[0]))
        if kind in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
            deep = kind == 'DEPTHWISE_CONV_2D'
            kernel = self.constant(inputs[1]).transpose([3, 0, 1, 2] if deep else [0, 3, 1, 2])
            weights = [self.weight(f'{result}_weight', kernel), self.weight(f'{result}_bias', self.constant(inputs[2]))]
            groups = shape[-1] if deep else 1
            self.add(
                'Conv', [first, *weights], result, group=groups, **self.sliding(options, kernel.shape[2:], first, shape)
            )
        elif kind == 'MAX_POOL_2D':
            size = (options.FilterHeight(), options.FilterWidth())
            self.add('MaxPool', [first], result, kernel_shape=size, **self.sliding(options, size, first, shape))
        elif kind == 'PAD':
            pads = self.constant(inputs[1])[_TO_CHANNELS_FIRST].T.ravel().astype(np.int64)
            self.add('Pad', [first, self.weight(f'{result}_pads', pads)], result)
        elif kind == 'RESIZE_BILINEAR':
            mode = 'half_pixel' if options.HalfPixelCenters() else 'asymmetric'
            scales = np.array([1, 1, shape[1] / self.shape(first)[1], shape[2] / self.shape(first)[2]], np.float32)
            inputs = [first, '', self.weight(f'{result}_scales', scales)]
            self.add('Resize', inputs, result, mode='linear', coordinate_transformation_mode=mode)
        elif kind == 'DEPTH_TO_SPACE':
            self.add('DepthToSpace', [first], result, blocksize=options.BlockSize(), mode='DCR')
        elif kind == 'RESHAPE':
            if axes == 4:
                self.add('Transpose', [first], f'{result}_last', perm=_TO_CHANNELS_LAST)
                first = f'{result}_last'
            self.add('Reshape', [first, self.weight(f'{result}_shape', np.array([-1, *shape[1:]], np.int64))], result)
        elif kind == 'CONCATENATION':  # only behind reshapes, so that the order of axes is TFLite's
            self.add('Concat', inputs, result, axis=options.Axis())
        else:
            self.add({'ADD': 'Add', 'LOGISTIC': 'Sigmoid'}[kind], inputs, result)

    def sliding(self, options: Any, size: tuple[int, ...], first: int, shape: list[int]) -> dict[str, list[int]]:
        """Strides and padding; TFLite's SAME puts the odd row or column at the end."""
        strides, pads = [options.StrideH(), options.StrideW()], np.zeros(2, int)
        if options.Padding() == self.tflite.Padding.SAME:
            reach = (np.array(shape[1:3]) - 1) * strides + size
            pads = np.maximum(reach - self.shape(first)[1:3], 0)
        return {'strides': strides, 'pads': [*(pads // 2).tolist(), *(pads - pads // 2).tolist()]}


def _dense(tensor: Any, values: np.ndarray, shape: list[int]) -> np.ndarray:
    """A sparse weight of which the last axis alone is compressed (CSR)."""
    sparsity = tensor.Sparsity()
    last = sparsity.DimMetadata(len(shape) - 1)
    segments, indices = ((_sparse_index(last, name)) for name in ('ArraySegments', 'ArrayIndices'))
    dense = np.zeros((int(np.prod(shape[:-1])), shape[-1]), values.dtype)
    dense[np.repeat(np.arange(len(dense)), np.diff(segments)), indices] = values
    return dense.reshape(shape)


def _sparse_index(metadata: Any, name: str) -> np.ndarray:
    """Segments or indices of a compressed axis, stored as uint8, uint16 or int32."""
    import tflite

    kind = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}[getattr(metadata, f'{name}Type')()]
    vector, table = kind(), getattr(metadata, name)()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy().astype(np.int64)
