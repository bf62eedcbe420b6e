"""Step rules: from a gradient to a step, and controllers that steer a coefficient from what was measured.

| file | what it is |
|---|---|
| conjugate_gradient | F⁻¹g from products with F alone |
| trust_region | the longest step within a KL, and the search back along it |
| fisher | the product of a policy's Fisher matrix with a vector, by differentiating its KL twice |
| adaptive_kl | the coefficient of a KL penalty, moved towards a target |

Vectors are flat: all of a model's trained parameters one after another.
"""
