// Package deploy holds what runs wxsign elsewhere: a container image, compose,
// systemd, Kubernetes, the proxies in front, alert rules and a dashboard. It has
// no code; its tests hold the files to the programs that read them.
package deploy
