"""Define a backbone with a linear head on its pooled vector."""

from torch import Tensor, nn

from fgir.models.backbones import Backbone


class Classifier(nn.Module):
    """Classify the backbone's pooled vector by a linear layer."""

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, classes) of normalised images (B, 3, S, S)."""
        logits: Tensor = self.head(self.backbone.pooled(images))
        return logits
