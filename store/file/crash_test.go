package file_test

func crashChild() {}
