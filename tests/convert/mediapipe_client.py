"""Runs in MediaPipe's environment: what its ImageClassifier says of crops, and what its schema reads in the file."""

import importlib.util
import json
import sys
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision


def read_metadata(model: bytes) -> dict:
    """The standard metadata, by the schema that comes with MediaPipe."""
    path = Path(mediapipe.__file__).parent / "tasks" / "metadata"

    def load(name):
        spec = importlib.util.spec_from_file_location(name, path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    model_schema, schema = load("schema_py_generated"), load("metadata_schema_py_generated")
    tree = model_schema.Model.GetRootAsModel(model, 0)
    found = [tree.Metadata(i) for i in range(tree.MetadataLength())]
    (entry,) = (entry for entry in found if entry.Name() == b"TFLITE_METADATA")
    content = tree.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    about = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAsModelMetadata(content, 0))
    (graph,) = about.subgraphMetadata
    (entry,), (result,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    scaling = entry.processUnits[0].options
    assert isinstance(scaling, schema.NormalizationOptionsT)
    image = entry.content.contentProperties
    assert isinstance(image, schema.ImagePropertiesT)
    assert isinstance(result.content.contentProperties, schema.FeaturePropertiesT)
    return {
        "name": about.name.decode(),
        "version": about.version.decode(),
        "licence": about.license.decode(),
        "min_parser_version": about.minParserVersion.decode(),
        "files": [file.name.decode() for file in about.associatedFiles],
        "input": {
            "color": image.colorSpace,
            "size": [image.defaultSize.width, image.defaultSize.height] if image.defaultSize else None,
            "mean": [float(value) for value in scaling.mean],
            "std": [float(value) for value in scaling.std],
            "min": [float(value) for value in entry.stats.min],
            "max": [float(value) for value in entry.stats.max],
        },
        "labels": [[file.name.decode(), file.type] for file in result.associatedFiles],
    }


def classify(model: str, crops: np.ndarray) -> list[dict[str, float]]:
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model), max_results=-1)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        answers = []
        for crop in crops:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(crop))
            categories = classifier.classify(image).classifications[0].categories
            answers.append({category.category_name: category.score for category in categories})
        return answers


if __name__ == "__main__":
    file, crops = sys.argv[1], np.load(sys.argv[2])
    json.dump({"answers": classify(file, crops), "metadata": read_metadata(Path(file).read_bytes())}, sys.stdout)
