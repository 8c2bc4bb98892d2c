"""Says which function serves which bot. Called once in the process of every bot."""

import algo.strategy
from bots.variables import Variables as bot


def init_algo():
    if "demoBot" in bot.robots:
        bot.robo["demoBot"] = algo.strategy.algo
        algo.strategy.init_variables(robot=bot.robots["demoBot"])
