"""Compiles the Java classes that extend Spark, in the driver, with the compiler that Spark uses for generated code."""

from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaObject
from pyspark import SparkContext


def java_class(name: str) -> JavaObject:
    """The class (``java.lang.Class``) from the Java file with that name in this folder. Executors do not have it."""
    jvm: Any = SparkContext._jvm
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(Path(__file__).with_name(f"{name}.java").read_text())
    return compiler.getClassLoader().loadClass(name)
