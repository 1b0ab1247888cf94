"""Java classes for what Spark does not have, made in the driver with the compiler of Spark's own generated code."""

from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaObject
from pyspark import SparkContext


def java_class(name: str) -> JavaObject:
    """The class (``java.lang.Class``) in the Java file of that name beside this one. Executors do not have it."""
    jvm: Any = SparkContext._jvm
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(Path(__file__).with_name(f"{name}.java").read_text())
    return compiler.getClassLoader().loadClass(name)
