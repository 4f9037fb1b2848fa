# Completed by the install slice: headers, libraries, package configuration.
