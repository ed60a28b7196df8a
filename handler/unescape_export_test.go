package handler

// Unescape lets tests compare it with the standard library's.
var Unescape = unescape
