echo hot
