// Package e2e tests the whole program as people meet it: the real binary, a real
// Chromium, and WeChat's real jweixin script. Its tests are the package; nothing
// imports it.
//
// Chromium's request to res.wx.qq.com is answered with the script from npm, so
// that the page stays as it ships and no test needs the internet. The pages are
// opened at http://h5.example.com, which Chromium is told to find on the
// program's loopback port: a domain, as WeChat wants one, and no fixed port.
package e2e
