"""Models from elsewhere and for elsewhere: bundles, nnU-Net's folders and zips, tried out before they are taken in."""
