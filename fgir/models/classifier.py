"""Define a backbone with a linear head on its pooled vector."""

from torch import Tensor, nn

from fgir.models.backbones import Backbone


class Classifier(nn.Module):
    """Classify the backbone's pooled vector by a linear layer."""

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.width, classes)

    @property
    def classifier(self) -> nn.Linear:
        """Return the last layer, which gives the logits."""
        return self.head

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, classes) of normalised images (B, 3, S, S)."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return what the classifier reads: pooled vectors (B, D) of normalised images (B, 3, S, S)."""
        return self.backbone.pooled(images)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (B, classes) of pooled vectors (B, D)."""
        logits: Tensor = self.head(features)
        return logits
